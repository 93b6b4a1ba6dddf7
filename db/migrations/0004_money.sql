CREATE TYPE "public"."budget_unit" AS ENUM('money', 'tokens');--> statement-breakpoint
CREATE TYPE "public"."budget_window" AS ENUM('total', 'day', 'month');--> statement-breakpoint
CREATE TABLE "budget_count" (
	"one" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"ledger_seq" bigint NOT NULL,
	CONSTRAINT "there_is_one_count" CHECK ("budget_count"."one" = 1)
);
--> statement-breakpoint
CREATE TABLE "budget_leases" (
	"budget_id" text NOT NULL,
	"start_ms" bigint NOT NULL,
	"gateway" text NOT NULL,
	"amount" numeric(38, 0) NOT NULL,
	"leased_until" timestamp with time zone NOT NULL,
	CONSTRAINT "budget_leases_budget_id_start_ms_gateway_pk" PRIMARY KEY("budget_id","start_ms","gateway"),
	CONSTRAINT "a_lease_is_not_negative" CHECK ("budget_leases"."amount" >= 0)
);
--> statement-breakpoint
CREATE TABLE "budget_windows" (
	"budget_id" text NOT NULL,
	"start_ms" bigint NOT NULL,
	"spent" numeric(38, 0) DEFAULT '0' NOT NULL,
	CONSTRAINT "budget_windows_budget_id_start_ms_pk" PRIMARY KEY("budget_id","start_ms")
);
--> statement-breakpoint
CREATE TABLE "budgets" (
	"id" text PRIMARY KEY NOT NULL,
	"subject" text NOT NULL,
	"unit" "budget_unit" NOT NULL,
	"time_window" "budget_window" NOT NULL,
	"cap" numeric(38, 0) NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"removed_at" timestamp with time zone,
	CONSTRAINT "a_cap_is_not_negative" CHECK ("budgets"."cap" >= 0)
);
--> statement-breakpoint
CREATE TABLE "prices" (
	"model" text NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"prompt" numeric(38, 0) NOT NULL,
	"cached" numeric(38, 0) NOT NULL,
	"completion" numeric(38, 0) NOT NULL,
	"batch_millionths" integer NOT NULL,
	"replay_millionths" integer NOT NULL,
	CONSTRAINT "prices_model_effective_from_pk" PRIMARY KEY("model","effective_from"),
	CONSTRAINT "a_price_is_not_negative" CHECK (least("prices"."prompt", "prices"."cached", "prices"."completion") >= 0),
	CONSTRAINT "a_part_is_no_more_than_all" CHECK ("prices"."batch_millionths" between 0 and 1000000 and "prices"."replay_millionths" between 0 and 1000000)
);
--> statement-breakpoint
ALTER TABLE "budget_leases" ADD CONSTRAINT "budget_leases_budget_id_budgets_id_fk" FOREIGN KEY ("budget_id") REFERENCES "public"."budgets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "budget_windows" ADD CONSTRAINT "budget_windows_budget_id_budgets_id_fk" FOREIGN KEY ("budget_id") REFERENCES "public"."budgets"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "budget_leases_gateway_index" ON "budget_leases" USING btree ("gateway");--> statement-breakpoint
CREATE INDEX "budgets_subject_index" ON "budgets" USING btree ("subject");