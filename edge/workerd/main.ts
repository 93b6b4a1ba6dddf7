import { waitUntil } from 'cloudflare:workers'
import { addressOf } from '../../proto/cidr.ts'
import { createApp } from '../app.ts'
import type { Bindings } from './bindings.ts'
import { drainUpload } from './drain-upload.ts'
import { portsOf } from './ports-of.ts'

export { BatchObject } from './batch-object.ts'
export { BusObject } from './bus-object.ts'
export { LimiterObject } from './limiter-object.ts'

let app: ReturnType<typeof createApp> | undefined

// oxlint-disable-next-line import/no-default-export -- workerd wants its handlers there
export default {
  async fetch(request, bindings) {
    app ??= createApp(portsOf(bindings, waitUntil))
    const response = await app.fetch(request, {
      address: () => addressIn(request.headers, bindings.CLIENT_ADDRESS_HEADER),
    })
    if (!response.ok) await drainUpload(request)
    return response
  },
} satisfies ExportedHandler<Bindings>

/** As whatever stands before the Worker tells it. */
function addressIn(headers: Headers, name: string) {
  const told = name ? headers.get(name) : null
  return addressOf(told?.split(',').at(-1) ?? '')
}
