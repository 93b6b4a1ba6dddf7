CREATE TABLE "batch_results" (
	"batch" text NOT NULL,
	"line" integer NOT NULL,
	"status" integer NOT NULL,
	"result" text NOT NULL,
	CONSTRAINT "batch_results_batch_line_pk" PRIMARY KEY("batch","line")
);
--> statement-breakpoint
CREATE TABLE "batches" (
	"id" text PRIMARY KEY NOT NULL,
	"project" text NOT NULL,
	"key" text NOT NULL,
	"endpoint" text NOT NULL,
	"input_file" text NOT NULL,
	"output_file" text NOT NULL,
	"error_file" text NOT NULL,
	"status" text NOT NULL,
	"errors" jsonb,
	"metadata" jsonb,
	"total" integer DEFAULT 0 NOT NULL,
	"completed" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"in_progress_at" timestamp with time zone,
	"expires_at" timestamp with time zone NOT NULL,
	"finalizing_at" timestamp with time zone,
	"completed_at" timestamp with time zone,
	"failed_at" timestamp with time zone,
	"expired_at" timestamp with time zone,
	"cancelling_at" timestamp with time zone,
	"cancelled_at" timestamp with time zone,
	"holder" text,
	"held_until" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "file_chunks" (
	"file" text NOT NULL,
	"seq" integer NOT NULL,
	"bytes" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "file_chunks_file_seq_pk" PRIMARY KEY("file","seq")
);
--> statement-breakpoint
CREATE TABLE "files" (
	"id" text PRIMARY KEY NOT NULL,
	"project" text NOT NULL,
	"filename" text NOT NULL,
	"purpose" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "batches" ADD CONSTRAINT "batches_project_projects_id_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_project_projects_id_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "batches_of_a_project" ON "batches" USING btree ("project","id");--> statement-breakpoint
CREATE INDEX "batches_to_do" ON "batches" USING btree ("status");--> statement-breakpoint
CREATE INDEX "files_of_a_project" ON "files" USING btree ("project","id");--> statement-breakpoint
CREATE INDEX "files_that_expire" ON "files" USING btree ("expires_at");