CREATE TABLE "limit_buckets" (
	"id" text PRIMARY KEY NOT NULL,
	"stamp" text NOT NULL,
	"was" text,
	"shared" jsonb NOT NULL,
	"at_ms" double precision NOT NULL
);
