import { numeric } from 'drizzle-orm/pg-core'

/** Nano-units, whole: sums of `Nanos` fit. Read and written as text. */
export const nanos = () => numeric({ precision: 38, scale: 0 })
