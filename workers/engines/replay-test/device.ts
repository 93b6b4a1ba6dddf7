import { delimiter } from 'node:path'
import { z } from 'zod'

/** The part of a worker's environment that says where its models are and where they compute. */
const Env = z.object({
  JUNE_MODELS_DIR: z.string().default(''),
  JUNE_DEVICE: z.enum(['auto', 'cpu', 'cuda']).default('auto'),
  JUNE_THREADS: z.coerce.number().int().positive().optional(),
})

export function readDevice(vars: Record<string, string | undefined>) {
  const set = Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== ''))
  const { data, error } = Env.safeParse(set)
  if (!data) throw new Error(z.prettifyError(error))
  const modelDirs = data.JUNE_MODELS_DIR.split(delimiter).filter((dir) => dir !== '')
  return { modelDirs, gpu: data.JUNE_DEVICE, threads: data.JUNE_THREADS }
}
