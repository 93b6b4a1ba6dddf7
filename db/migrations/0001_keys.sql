CREATE TYPE "public"."key_scope" AS ENUM('developer', 'admin');--> statement-breakpoint
CREATE TABLE "keys" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"hint" text NOT NULL,
	"scope" "key_scope" NOT NULL,
	"requests_per_minute" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "keys_hash_unique" UNIQUE("hash"),
	CONSTRAINT "a_hash_is_sha256_in_hex" CHECK ("keys"."hash" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "a_key_allows_some_requests" CHECK ("keys"."requests_per_minute" > 0)
);
