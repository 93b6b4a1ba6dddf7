CREATE TYPE "public"."issuer_algorithm" AS ENUM('HS256', 'RS256', 'ES256');--> statement-breakpoint
CREATE TABLE "client_tokens" (
	"hash" text PRIMARY KEY NOT NULL,
	"key_id" text NOT NULL,
	"routes" text[],
	"models" text[],
	"cidrs" text[],
	"end_user" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "a_token_hash_is_sha256_in_hex" CHECK ("client_tokens"."hash" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE TABLE "issuers" (
	"id" text PRIMARY KEY NOT NULL,
	"key_id" text NOT NULL,
	"issuer" text NOT NULL,
	"audience" text NOT NULL,
	"algorithm" "issuer_algorithm" NOT NULL,
	"secret" text,
	"jwks_url" text,
	"jwks" jsonb,
	"user_requests_per_minute" integer,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "an_issuer_is_believed_by_one_thing" CHECK (num_nonnulls("issuers"."secret", "issuers"."jwks_url", "issuers"."jwks") = 1 and ("issuers"."algorithm" = 'HS256') = ("issuers"."secret" is not null))
);
--> statement-breakpoint
ALTER TABLE "client_tokens" ADD CONSTRAINT "client_tokens_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "issuers" ADD CONSTRAINT "issuers_key_id_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "client_tokens_key_id_expires_at_index" ON "client_tokens" USING btree ("key_id","expires_at");--> statement-breakpoint
CREATE INDEX "issuers_issuer_index" ON "issuers" USING btree ("issuer");--> statement-breakpoint
CREATE INDEX "issuers_key_id_index" ON "issuers" USING btree ("key_id");