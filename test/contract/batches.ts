import { toFile } from 'openai'
import { describe, expect, test } from 'vitest'
import { BatchObject } from '../../proto/openai/batches.ts'
import { hello } from './oracle.ts'
import type { Stack } from './stack.ts'

const URL = '/v1/chat/completions'

const line = (id: string, body: object, more: object = {}): string =>
  JSON.stringify({ custom_id: id, method: 'POST', url: URL, body, ...more })

const fine = (tokens = 3): object => ({ model: `echo-${tokens}-0-0`, messages: hello, seed: 1 })

export function batches(stack: () => Stack): void {
  const upload = async (text: string, purpose: 'batch' | 'user_data' = 'batch') =>
    stack()
      .openai()
      .files.create({ file: await toFile(Buffer.from(text), 'a/b.jsonl'), purpose })

  const batchOf = async (text: string) => {
    const { id } = await upload(text)
    const asked = { input_file_id: id, endpoint: URL, completion_window: '24h' } as const
    return stack().openai().batches.create(asked)
  }

  const over = async (id: string): Promise<BatchObject> => {
    const get = async () =>
      (await stack().fetch(`/v1/batches/${id}`, { key: stack().admin })).json()
    await expect
      .poll(async () => BatchObject.parse(await get()).status, { timeout: 20_000 })
      .toMatch(/^(completed|failed|cancelled|expired)$/)
    return BatchObject.parse(await get())
  }

  const linesIn = async (file: string | null): Promise<Record<string, unknown>[]> => {
    const response = await stack()
      .openai()
      .files.content(file ?? '')
    const text = await response.text()
    return text
      .split('\n')
      .filter(Boolean)
      .map((each) => JSON.parse(each) as Record<string, unknown>)
  }

  describe('a file', () => {
    test('is kept as it is, listed, and gone when it is deleted', async () => {
      const text = `é${'x'.repeat(1_500_000)}\n`
      const file = await upload(text, 'user_data')
      expect(file).toMatchObject({ filename: 'b.jsonl', bytes: Buffer.byteLength(text) })
      const { files } = stack().openai()
      expect(await (await files.content(file.id)).text()).toBe(text)
      const page = await files.list({ purpose: 'user_data', limit: 1 })
      expect(page.data.map(({ id }) => id)).toEqual([file.id])
      expect(await files.delete(file.id)).toMatchObject({ deleted: true })
      await expect(files.retrieve(file.id)).rejects.toMatchObject({ status: 404 })
    })

    test('is one project’s', async () => {
      const { id } = await upload('{}')
      const stranger = stack().openai(stack().stranger).files
      await expect(stranger.retrieve(id)).rejects.toMatchObject({ status: 404 })
      await expect(stranger.content(id)).rejects.toMatchObject({ status: 404 })
      expect((await stranger.list()).data).toEqual([])
    })

    test.for([
      ['purpose', { file: new File(['x'], 'x') }],
      ['purpose', { file: new File(['x'], 'x'), purpose: 'world domination' }],
      ['file', { purpose: 'batch' }],
      ['file', { file: new File([''], 'x'), purpose: 'batch' }],
      [
        'expires_after[seconds]',
        { file: new File(['x'], 'x'), purpose: 'batch', 'expires_after[seconds]': '5' },
      ],
    ] as [string, Record<string, string | File>][])(
      'names %s where it is wrong',
      async ([param, fields]) => {
        const body = new FormData()
        for (const [name, value] of Object.entries(fields)) body.append(name, value)
        const response = await stack().fetch('/v1/files', {
          key: stack().admin,
          method: 'POST',
          body,
        })
        expect(response.status).toBe(400)
        expect(await response.json()).toMatchObject({ error: { param } })
      },
    )
  })

  describe('a batch', () => {
    test('answers every line of its file once, in order, and tells apart what failed', async () => {
      const lines = [
        ...Array.from({ length: 40 }, (_, i) => line(`n${i}`, fine(i + 1))),
        line('unknown', { ...fine(), model: 'none' }),
      ]
      const { id } = await batchOf(lines.join('\n'))
      const batch = await over(id)
      expect(batch).toMatchObject({
        status: 'completed',
        request_counts: { total: 41, completed: 40, failed: 1 },
      })
      const results = await linesIn(batch.output_file_id)
      expect(results.map(({ custom_id: own }) => own)).toEqual(
        Array.from({ length: 40 }, (_, i) => `n${i}`),
      )
      expect(results[6]).toMatchObject({
        response: { status_code: 200, body: { usage: { completion_tokens: 7 } } },
        error: null,
      })
      expect(await linesIn(batch.error_file_id)).toMatchObject([
        {
          custom_id: 'unknown',
          response: { status_code: 404, body: { error: { code: 'model_not_found' } } },
        },
      ])
    })

    test('whose file is wrong fails, and says in which lines', async () => {
      const { id } = await batchOf(
        [
          line('a', fine()),
          '{',
          line('a', fine()),
          line('b', fine(), { url: '/v1/embeddings' }),
          line('c', { ...fine(), stream: true }),
          line('nul\u0000', fine()),
        ].join('\n'),
      )
      const { status, errors } = await over(id)
      expect(status).toBe('failed')
      expect(errors?.data.map(({ code, line: at }) => [code, at])).toEqual([
        ['invalid_json_line', 2],
        ['duplicate_custom_id', 3],
        ['invalid_url', 4],
        ['invalid_request', 5],
        ['invalid_request', 6],
      ])
    })

    test('that is cancelled keeps what was answered', async () => {
      const slow = { ...fine(), model: 'echo-9999-20-0' }
      const { id } = await batchOf([line('fast', fine()), line('slow', slow)].join('\n'))
      const { batches: api } = stack().openai()
      await expect.poll(async () => (await api.retrieve(id)).request_counts?.completed).toBe(1)
      await api.cancel(id)
      const batch = await over(id)
      expect(batch).toMatchObject({ status: 'cancelled', error_file_id: null })
      expect(await linesIn(batch.output_file_id)).toMatchObject([{ custom_id: 'fast' }])
      await stack().idle()
    })

    test('is refused for a file that is not there, or is for something else', async () => {
      const { id } = await upload('{}', 'user_data')
      const asked = { endpoint: URL, completion_window: '24h' } as const
      const { batches: api } = stack().openai()
      for (const input of [id, 'file-none'])
        await expect(api.create({ ...asked, input_file_id: input })).rejects.toMatchObject({
          status: 400,
          param: 'input_file_id',
        })
      await expect(api.retrieve('batch_none')).rejects.toMatchObject({ status: 404 })
    })
  })
}
