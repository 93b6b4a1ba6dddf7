CREATE TABLE "usage" (
	"job" text PRIMARY KEY NOT NULL,
	"project" text NOT NULL,
	"key" text NOT NULL,
	"user" text,
	"model" text NOT NULL,
	"kind" text NOT NULL,
	"priority" text NOT NULL,
	"from_cache" boolean NOT NULL,
	"admitted_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone NOT NULL,
	"first_token_ms" integer,
	"outcome" text NOT NULL,
	"finish" text,
	"prompt_tokens" integer NOT NULL,
	"cached_tokens" integer NOT NULL,
	"completion_tokens" integer NOT NULL,
	"gateway" text NOT NULL,
	"workers" text[] NOT NULL,
	"cost_nano" numeric(38, 0),
	CONSTRAINT "tokens_are_counted_from_zero" CHECK (least("usage"."prompt_tokens", "usage"."cached_tokens", "usage"."completion_tokens") >= 0)
);
--> statement-breakpoint
CREATE TABLE "usage_hours" (
	"project" text NOT NULL,
	"hour" timestamp with time zone NOT NULL,
	"key" text NOT NULL,
	"model" text NOT NULL,
	"user" text NOT NULL,
	"priority" text NOT NULL,
	"from_cache" boolean NOT NULL,
	"requests" bigint NOT NULL,
	"prompt_tokens" bigint NOT NULL,
	"cached_tokens" bigint NOT NULL,
	"completion_tokens" bigint NOT NULL,
	"cost_nano" numeric(38, 0) NOT NULL,
	CONSTRAINT "one_row_an_hour" PRIMARY KEY("project","hour","key","model","user","priority","from_cache")
);
--> statement-breakpoint
CREATE INDEX "usage_of_a_project" ON "usage" USING btree ("project","admitted_at");--> statement-breakpoint
CREATE INDEX "usage_in_order" ON "usage" USING btree ("admitted_at","job");--> statement-breakpoint
CREATE INDEX "usage_by_the_hour" ON "usage_hours" USING btree ("hour");