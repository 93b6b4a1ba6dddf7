import { describe, test } from 'vitest'
import { vaultOf } from './vault.ts'

const secret = 'correct horse battery staple é 👩'

describe('a vault', () => {
  test('opens what it sealed, which nobody can read and which is never the same', async ({
    expect,
  }) => {
    const vault = vaultOf('the operator')
    const [first, second] = [await vault.seal(secret), await vault.seal(secret)]
    expect(first).toMatch(/^aes-gcm:/)
    expect(first).not.toContain('correct')
    expect(first).not.toBe(second)
    expect(await vault.open(first)).toBe(secret)
    expect(await vaultOf('the operator').open(second)).toBe(secret)
  })

  test('does not open what another sealed, nor what was changed', async ({ expect }) => {
    const sealed = await vaultOf('the operator').seal(secret)
    const refused = { code: 'internal', message: expect.not.stringContaining('JUNE_SECRET') }
    await expect(vaultOf('somebody else').open(sealed)).rejects.toMatchObject(refused)
    await expect(vaultOf(undefined).open(sealed)).rejects.toMatchObject(refused)
    const changed = sealed.slice(0, -6) + 'AAAA' + sealed.slice(-2)
    await expect(vaultOf('the operator').open(changed)).rejects.toMatchObject(refused)
  })

  test('without a key keeps secrets as they are', async ({ expect }) => {
    const sealed = await vaultOf(undefined).seal(secret)
    expect(sealed).toBe(`plain:${secret}`)
    expect(await vaultOf('set since').open(sealed)).toBe(secret)
  })
})
