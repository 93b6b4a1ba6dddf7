import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface Archive {
  uri: string
  /** The keyring file that the host trusts for it. */
  signedBy: string | undefined
}

/** The first archive of the distribution itself that apt is configured with, in either format it reads. */
export async function archiveOf(etcApt: string): Promise<Archive | undefined> {
  const parts = join(etcApt, 'sources.list.d')
  const names = await readdir(parts).catch((): string[] => [])
  const files = [
    join(etcApt, 'sources.list'),
    ...names.map((name) => join(parts, name)).toSorted(byName),
  ]
  const found: Archive[] = []
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (file.endsWith('.sources')) found.push(...fromDeb822(text))
    else if (file.endsWith('.list')) found.push(...fromLines(text))
  }
  return found[0]
}

const byName = (a: string, b: string): number => (a < b ? -1 : 1)

/** `Types: deb`, a stanza a source. Security and third-party archives do not carry the release as a whole. */
export function fromDeb822(text: string): Archive[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = Object.fromEntries(
      Array.from(stanza.matchAll(/^([A-Za-z-]+):[ \t]*(.*)$/gm), ([, name = '', value = '']) => [
        name.toLowerCase(),
        value.trim(),
      ]),
    )
    const uri = fields['uris']?.split(/\s+/)[0]
    const types = fields['types']?.split(/\s+/) ?? []
    if (!uri || !types.includes('deb') || fields['enabled'] === 'no' || !isDebian(uri)) return []
    return [{ uri, signedBy: keyring(fields['signed-by']) }]
  })
}

/** `deb [option=value] uri suite component…`, a line a source. */
export function fromLines(text: string): Archive[] {
  return Array.from(text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+\S+/gm)).flatMap(
    ([, options = '', uri = '']) =>
      isDebian(uri) ? [{ uri, signedBy: keyring(/signed-by=(\S+)/.exec(options)?.[1]) }] : [],
  )
}

/** Mirrors keep the name: `…/debian`, beside `…/debian-security` and whatever else is configured. */
const isDebian = (uri: string): boolean => /\/debian\/?$/.test(uri)

const keyring = (value: string | undefined): string | undefined =>
  value?.startsWith('/') ? value : undefined
