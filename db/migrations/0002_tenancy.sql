CREATE TYPE "public"."key_reach" AS ENUM('deployment', 'organisation', 'project');--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor_key_id" text NOT NULL,
	"action" text NOT NULL,
	"target" text NOT NULL,
	"organisation_id" text,
	"project_id" text,
	"before" jsonb,
	"after" jsonb,
	"request_id" text NOT NULL,
	"address" text
);
--> statement-breakpoint
CREATE TABLE "key_secrets" (
	"hash" text PRIMARY KEY NOT NULL,
	"key_id" text NOT NULL,
	"current" boolean NOT NULL,
	"hint" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	CONSTRAINT "a_key_has_two_secrets_at_most" UNIQUE("key_id","current"),
	CONSTRAINT "a_hash_is_sha256_in_hex" CHECK ("key_secrets"."hash" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "a_former_secret_ends" CHECK ("key_secrets"."current" or "key_secrets"."expires_at" is not null)
);
--> statement-breakpoint
CREATE TABLE "model_limits" (
	"project_id" text NOT NULL,
	"model" text NOT NULL,
	"requests_per_minute" integer,
	"tokens_per_minute" integer,
	"concurrent_streams" integer,
	"audio_seconds_per_minute" integer,
	CONSTRAINT "model_limits_project_id_model_pk" PRIMARY KEY("project_id","model")
);
--> statement-breakpoint
CREATE TABLE "organisations" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"archived_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" text PRIMARY KEY NOT NULL,
	"organisation_id" text NOT NULL,
	"name" text NOT NULL,
	"requests_per_minute" integer,
	"tokens_per_minute" integer,
	"concurrent_streams" integer,
	"audio_seconds_per_minute" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"archived_at" timestamp with time zone
);
--> statement-breakpoint
INSERT INTO "organisations" ("id", "name") VALUES ('org_00000000-0000-7000-8000-000000000001', 'default');--> statement-breakpoint
INSERT INTO "projects" ("id", "organisation_id", "name") VALUES ('proj_00000000-0000-7000-8000-000000000001', 'org_00000000-0000-7000-8000-000000000001', 'default');--> statement-breakpoint
INSERT INTO "key_secrets" ("hash", "key_id", "current", "hint", "created_at") SELECT "hash", "id", true, "hint", "created_at" FROM "keys";--> statement-breakpoint
ALTER TABLE "keys" DROP CONSTRAINT "keys_hash_unique";--> statement-breakpoint
ALTER TABLE "keys" DROP CONSTRAINT "a_hash_is_sha256_in_hex";--> statement-breakpoint
ALTER TABLE "keys" ALTER COLUMN "requests_per_minute" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "project_id" text NOT NULL DEFAULT 'proj_00000000-0000-7000-8000-000000000001';--> statement-breakpoint
ALTER TABLE "keys" ALTER COLUMN "project_id" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "reach" "key_reach";--> statement-breakpoint
UPDATE "keys" SET "reach" = 'deployment' WHERE "scope" = 'admin';--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "routes" text[];--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "models" text[];--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "cidrs" text[];--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "tokens_per_minute" integer;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "concurrent_streams" integer;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "audio_seconds_per_minute" integer;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "expires_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "key_secrets" ADD CONSTRAINT "key_secrets_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_limits" ADD CONSTRAINT "model_limits_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_organisation_id_organisations_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_log_organisation_id_id_index" ON "audit_log" USING btree ("organisation_id","id");--> statement-breakpoint
CREATE INDEX "audit_log_project_id_id_index" ON "audit_log" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "audit_log_target_id_index" ON "audit_log" USING btree ("target","id");--> statement-breakpoint
CREATE INDEX "audit_log_actor_key_id_id_index" ON "audit_log" USING btree ("actor_key_id","id");--> statement-breakpoint
CREATE INDEX "projects_organisation_id_id_index" ON "projects" USING btree ("organisation_id","id");--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "keys_project_id_id_index" ON "keys" USING btree ("project_id","id");--> statement-breakpoint
ALTER TABLE "keys" DROP COLUMN "hash";--> statement-breakpoint
ALTER TABLE "keys" DROP COLUMN "hint";--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "an_admin_has_a_reach" CHECK (("keys"."scope" = 'admin') = ("keys"."reach" is not null));