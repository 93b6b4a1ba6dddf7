/** Which of `shards` has the say over an id: FNV-1a, so that every isolate decides alike. */
export function shardOf(id: string, shards: number): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x0100_0193)
  return (hash >>> 0) % shards
}
