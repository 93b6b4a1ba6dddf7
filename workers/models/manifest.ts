import { z } from 'zod'
import { CallSyntax } from '../../proto/calling.ts'
import { Replay } from '../engines/replay.ts'

const stored = {
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'is 1-100 of a-z, 0-9, ".", "_" and "-"'),
  engine: z.literal('llama'),
  /** In the manifest's own folder. */
  file: z.string().regex(/^[^/\\]+\.gguf$/, 'is the name of a .gguf file beside the manifest'),
  bytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is 64 hex digits'),
  /**
   * Tokens of prompt and answer together, of each slot; of a text, where vectors are made of it. The file's own limit
   * holds where it is lower.
   */
  contextTokens: z.int().min(64),
  /** How many jobs it runs at once. */
  slots: z.int().min(1).max(256),
  createdAtMs: z.int().nonnegative(),
  licence: z.string().min(1),
  /** Where it comes from, in words. */
  origin: z.string().min(1),
}

export const ChatManifest = z.object({
  ...stored,
  kind: z.literal('chat'),
  /** Tokens a second of each answer; `null` is as fast as it goes. */
  paceTokensPerSecond: z.number().positive().nullable(),
  /** What is right for a model and a device, `june models replay-test <id>` finds out. */
  replay: Replay.default('prefill'),
  /** How it calls functions, where its chat template does not show that. */
  calls: CallSyntax.optional(),
  /** Its old name: left unread, it would make answers that were exact inexact. */
  exact: z
    .undefined({
      error: 'is "replay" now: write "replay": "one-by-one" for true, and nothing for false',
    })
    .optional(),
})
export type ChatManifest = z.infer<typeof ChatManifest>

export const EmbedManifest = z.object({
  ...stored,
  kind: z.literal('embed'),
  /** Lengths that its vectors may be cut to, where the model was trained for that (Matryoshka). */
  dimensions: z.array(z.int().positive()).min(1).optional(),
})

export const RerankManifest = z.object({ ...stored, kind: z.literal('rerank') })

/** What `<models>/<id>/manifest.json` says of a model. */
export const Manifest = z.discriminatedUnion('kind', [ChatManifest, EmbedManifest, RerankManifest])
export type Manifest = z.infer<typeof Manifest>
export const MANIFEST_FILE = 'manifest.json'
