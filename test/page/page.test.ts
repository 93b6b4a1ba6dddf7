import { stat } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { findChromium, launch } from './chromium.ts'
import { KEY, StandIn, type Asked } from './stand-in.ts'

const chromium = findChromium()
if (!chromium)
  process.stderr.write(
    'The chat page is not tested: there is no Chromium here. Install one or set CHROMIUM_BIN.\n',
  )

test('the page stays small enough to be read', async () => {
  const { size } = await stat(new URL('../../edge/page/index.html', import.meta.url))
  expect(size).toBeLessThanOrEqual(40 * 1024)
})

describe.skipIf(!chromium)('the chat page', () => {
  let browser: Browser
  let server: StandIn
  let url: string
  let page: Page

  beforeAll(async () => {
    browser = await launch(chromium ?? '')
    return () => browser.close()
  })

  beforeEach(async () => {
    server = new StandIn()
    url = await server.listen()
    const context = await browser.newContext()
    page = await context.newPage()
    page.setDefaultTimeout(10_000)
    const thrown: Error[] = []
    page.on('pageerror', (error) => thrown.push(error))
    onTestFinished(async () => {
      await context.close()
      server.close()
      const [first] = thrown
      if (first) throw first
    })
  })

  const open = () => page.goto(`${url}#key=${KEY}`)
  const answers = () => page.locator('.june .text')
  const answer = () => answers().last().innerText()
  const note = () => page.locator('.june .note').last().innerText()
  const button = (name: string) => page.getByRole('button', { name, exact: true })

  async function heard(count = 1): Promise<Asked> {
    await expect.poll(() => server.asked.length).toBe(count)
    return server.asked[count - 1] as Asked
  }

  async function ask(question: string): Promise<Asked> {
    const count = server.asked.length + 1
    await page.getByRole('textbox', { name: 'Message June' }).fill(question)
    await page.keyboard.press('Enter')
    return heard(count)
  }

  test('takes the key out of the address bar and shows it as a bearer', async () => {
    await open()
    await expect.poll(() => page.url()).toBe(url)
    await expect.poll(() => page.getByRole('combobox').inputValue()).toBe('june-chat')
    const asked = await ask('What is June?')
    expect(asked.authorization).toBe(`Bearer ${KEY}`)
    expect(asked.model).toBe('june-chat')
    expect(await page.content()).not.toContain(KEY)
  })

  test('shows words as they arrive, and the whole text in the end', async () => {
    await open()
    const asked = await ask('What is June?')
    asked.open().say('June runs models')
    await expect.poll(answer).toBe('June runs models')
    await button('Stop').waitFor()
    asked.say(' on machines that you own.').finish()
    await expect.poll(answer).toMatch(/^June runs models on machines that you own\.\s*\d\d:\d\d/)
    await button('Send').waitFor()
    expect(await page.locator('#stats').innerText()).toMatch(/^first token .+ tokens\/s$/)
    expect(await page.locator('#live').innerText()).toContain('machines that you own.')
  })

  test('reads a stream however it is cut up', async () => {
    await open()
    const asked = await ask('Hard framing')
    asked.open()
    const [first, second, third] = ['Zürich ', '猫 line\u2028end ', '🙂 done'].map(
      (content) => `{"choices":\n[{"delta":${JSON.stringify({ content })}}]}`,
    ) as [string, string, string]
    // Two data lines make one event; a comment, an id and an unknown field are no data.
    const stream = `: hello\r\nid: 7\r\nodd\r\n${dataOf(first)}\r\n\r\n${dataOf(second)}\r\r${dataOf(third)}\n\n`
    for (const byte of Buffer.from(stream)) {
      asked.raw(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    asked.raw('data: [DONE]')
    asked.end()
    await expect.poll(answer).toMatch(/^Zürich 猫 line\u2028end 🙂 done/)
    await button('Regenerate').waitFor()
  })

  test.each([
    ['ends without [DONE]', (asked: Asked) => asked.end()],
    ['breaks', (asked: Asked) => asked.drop()],
  ])('shows a stream that %s as interrupted, and asks again', async (_, cut) => {
    await open()
    const asked = await ask('Cut me off')
    asked.open().say('Only half')
    await expect.poll(answer).toBe('Only half')
    cut(asked)
    await expect.poll(note).toBe('The answer was interrupted before its end.')
    expect(await answer()).toBe('Only half')
    await button('Retry').click()
    const again = await heard(2)
    expect(again.messages).toEqual([{ role: 'user', content: 'Cut me off' }])
    again.open().say('All of it.').finish()
    await expect.poll(answer).toMatch(/^All of it\./)
    await expect.poll(() => page.locator('.note:visible').count()).toBe(0)
  })

  test('shows the message of an error event', async () => {
    await open()
    const asked = await ask('Fail')
    asked.open().say('So far').fail('engine_failed', 'The engine failed on every worker.')
    await expect.poll(note).toBe('The engine failed on every worker.')
    expect(await answer()).toBe('So far')
    await button('Retry').waitFor()
  })

  test('shows HTML in an answer as text', async () => {
    const html = `<img src=x onerror="document.title='broken'"> <script>document.title='broken'</script>`
    await open()
    const asked = await ask(html)
    asked.open().say(`**Bold** ${html} [x](javascript:alert(1)) and https://june.test/a.`).finish()
    await button('Regenerate').waitFor()
    expect(await answer()).toContain(`Bold ${html} [x](javascript:alert(1))`)
    expect(await page.locator('.me .text').innerText()).toBe(html)
    expect(await page.locator('#log :is(img, script)').count()).toBe(0)
    expect(await page.title()).toBe('June')
    const links = page.locator('#log a')
    expect(await links.count()).toBe(1)
    expect(await links.getAttribute('href')).toBe('https://june.test/a')
    expect(await links.getAttribute('rel')).toContain('noopener')
  })

  test.each([
    ['its button', () => button('Stop').click()],
    ['Escape', () => page.keyboard.press('Escape')],
  ])('hangs up when stopped by %s', async (_, stop) => {
    await open()
    const asked = await ask('Talk on')
    asked.open().say('One two')
    await expect.poll(answer).toBe('One two')
    await stop()
    await expect.poll(() => asked.hungUp).toBe(true)
    await expect.poll(note).toBe('You stopped this answer.')
    await button('Send').waitFor()
  })

  test('sends the whole conversation, and less of it when it no longer fits', async () => {
    await open()
    for (const question of ['one', 'two', 'three']) {
      const asked = await ask(question)
      asked.open().say(`About ${question}.`).finish()
      await button('Regenerate').waitFor()
    }
    const whole = await ask('four')
    expect(whole.messages.map(({ content }) => content)).toEqual([
      'one',
      'About one.',
      'two',
      'About two.',
      'three',
      'About three.',
      'four',
    ])
    whole.refuse('context_too_long', 'Too long.')
    const shorter = await heard(5)
    expect(shorter.messages.length).toBeLessThan(whole.messages.length)
    expect(shorter.question).toBe('four')
    shorter.open().say('About four.').finish()
    await expect.poll(note).toMatch(/no longer fit/)
  })

  test('waits as long as the server says, visibly, and tries again by itself', async () => {
    await open()
    const asked = await ask('Too soon')
    asked.refuse('rate_limited', 'This key may make 1 request a minute.', {
      'retry-after-ms': '1200',
    })
    await expect
      .poll(note)
      .toMatch(/^This key may make 1 request a minute\. Trying again in [12] s\.$/)
    const again = await heard(2)
    again.open().say('Now.').finish()
    await expect.poll(answer).toMatch(/^Now\./)
  })

  test('follows the words only for a reader who is at the bottom', async () => {
    await page.setViewportSize({ width: 390, height: 500 })
    await open()
    const down = page.locator('#down')
    const asked = await ask('At length')
    asked.open().say('A line.\n\n'.repeat(40))
    await expect.poll(() => gap(page)).toBeLessThan(2)
    await page.locator('#log').hover()
    await page.mouse.wheel(0, -300)
    await expect.poll(() => gap(page)).toBeGreaterThan(250)
    asked.say('More.\n\n'.repeat(20))
    await expect.poll(() => down.innerText()).toBe('New messages')
    expect(await gap(page)).toBeGreaterThan(250)
    await down.click()
    await expect.poll(() => gap(page)).toBeLessThan(2)
    await down.waitFor({ state: 'hidden' })
  })

  test('asks for a key when the server does', async () => {
    await page.goto(url)
    const field = page.getByLabel('API key')
    await field.fill('sk-june-wrong')
    await button('Continue').click()
    await page.getByText('This API key is unknown.').waitFor()
    await field.fill(KEY)
    await button('Continue').click()
    await field.waitFor({ state: 'hidden' })
    expect((await ask('Hello')).authorization).toBe(`Bearer ${KEY}`)
  })

  test('keeps the conversation over a reload', async () => {
    await open()
    const asked = await ask('Remember')
    asked.open().say('I do.').finish()
    await button('Regenerate').waitFor()
    await page.reload()
    expect(await answer()).toMatch(/^I do\./)
    expect(await page.locator('.me .text').innerText()).toBe('Remember')
    await button('New').click()
    expect(await answers().count()).toBe(0)
    await button('Undo').click()
    expect(await answers().count()).toBe(1)
  })
})

/** How far the conversation is scrolled from its end. */
const gap = (page: Page): Promise<number> =>
  page.evaluate<number>(
    '(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(document.getElementById("log"))',
  )

const dataOf = (text: string): string =>
  text
    .split('\n')
    .map((line) => `data:${line}`)
    .join('\r\n')
