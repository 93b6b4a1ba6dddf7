const DAY = {
  of31: '(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])',
  of30: '(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)',
  ofFebruary: '02-(?:0[1-9]|1\\d|2[0-8])',
}
/** Years that can be divided by 4, and by 400 where they can be by 100. */
const LEAP = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)'
const DATE = `(?:\\d{4}-(?:${DAY.of31}|${DAY.of30}|${DAY.ofFebruary})|${LEAP}-02-29)`
/** Without leap seconds, which depend on the date and are announced. */
const TIME =
  '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+\\-](?:[01]\\d|2[0-3]):[0-5]\\d)'
const HEX = '[0-9a-fA-F]'
const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?'
const ATOM = "[a-z0-9!#$%&'*+/=?^_`{|}~\\-]+"
const DOMAIN = '[a-z0-9](?:[a-z0-9\\-]{0,30}[a-z0-9])?'
const DAYS = '(?:\\d{1,6}Y(?:\\d{1,6}M)?(?:\\d{1,6}D)?|\\d{1,6}M(?:\\d{1,6}D)?|\\d{1,6}D)'
const HOURS = 'T(?:\\d{1,6}H(?:\\d{1,6}M)?(?:\\d{1,6}S)?|\\d{1,6}M(?:\\d{1,6}S)?|\\d{1,6}S)'

/**
 * Formats of JSON schema as patterns. Whatever is written by one is of the format; where the format allows more than
 * the pattern does (leap seconds, quoted mailboxes, names of four labels and more), it is not `whole`.
 * RFC 3339 (dates, times, durations), 4122 (uuid), 2673 (ipv4), 4291 (ipv6), 1123 (hostname), 5321 (email).
 */
export const FORMATS: ReadonlyMap<string, { pattern: string; whole: boolean }> = new Map(
  Object.entries({
    date: { pattern: DATE, whole: true },
    time: { pattern: TIME, whole: false },
    'date-time': { pattern: `${DATE}T${TIME}`, whole: false },
    duration: {
      pattern: `P(?:${DAYS}(?:${HOURS})?|${HOURS}|\\d{1,6}W)`,
      whole: false,
    },
    uuid: { pattern: `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`, whole: true },
    ipv4: { pattern: IPV4, whole: true },
    ipv6: { pattern: ipv6(), whole: false },
    hostname: { pattern: `${LABEL}(?:\\.${LABEL}){0,2}`, whole: false },
    email: { pattern: `${ATOM}(?:\\.${ATOM})*@(?:${DOMAIN}\\.)+${DOMAIN}`, whole: false },
  }).map(([name, { pattern, whole }]) => [name, { pattern: `^(?:${pattern})$`, whole }]),
)

/** Eight groups, or fewer around one gap. */
function ipv6(): string {
  const group = `${HEX}{1,4}`
  const gaps = Array.from({ length: 8 }, (_, before) => {
    const first = before === 0 ? '' : `${group}(?::${group}){${before - 1}}`
    const after = 7 - before
    return after === 0 ? `${first}::` : `${first}::(?:${group}(?::${group}){0,${after - 1}})?`
  })
  return `(?:${group}(?::${group}){7}|${gaps.join('|')})`
}
