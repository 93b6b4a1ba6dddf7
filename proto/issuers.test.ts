import { describe, test } from 'vitest'
import { newKeyId } from './ids.ts'
import { isLoopback, NewIssuer } from './issuers.ts'

const refused = (jwksUrl: string) => {
  const wanted = { key: newKeyId(), issuer: 'https://app', audience: 'june', algorithm: 'RS256' }
  return NewIssuer.safeParse({ ...wanted, jwksUrl }).error?.issues.map(({ path }) => path.join('.'))
}

describe('where an issuer publishes its keys', () => {
  test.for([
    'https://login.example/jwks',
    'https://8.8.8.8/jwks',
    'https://[2606:4700::1111]/jwks',
    'https://127.0.0.1/jwks',
    'http://127.0.0.1:8080/jwks',
    'http://localhost/jwks',
    'http://[::1]/jwks',
  ])('may be %s', (url, { expect }) => {
    expect(refused(url)).toBeUndefined()
  })

  test.for([
    'http://login.example/jwks',
    'https://10.0.0.1/jwks',
    'https://172.16.0.1/jwks',
    'https://192.168.1.1/jwks',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/jwks',
    'https://127.0.0.2/jwks',
    'https://0.0.0.0/jwks',
    'https://0/jwks',
    'https://0x0a000001/jwks',
    'https://224.0.0.1/jwks',
    'https://255.255.255.255/jwks',
    'https://[::]/jwks',
    'https://[::ffff:127.0.0.1]/jwks',
    'https://[::ffff:8.8.8.8]/jwks',
    'https://[::127.0.0.1]/jwks',
    'https://[64:ff9b::a00:1]/jwks',
    'https://[2002:7f00:1::]/jwks',
    'https://[fd00::1]/jwks',
    'https://[fe80::1]/jwks',
    'https://[fec0::1]/jwks',
    'https://[ff02::1]/jwks',
  ])('is not %s', (url, { expect }) => {
    expect(refused(url)).toEqual(['jwksUrl'])
  })

  test('is this machine itself in whatever form it is written', ({ expect }) => {
    const forms = [
      'http://127.1/',
      'https://0x7f000001/',
      'https://2130706433/',
      'https://LOCALHOST/',
    ]
    expect(forms.map(isLoopback)).toEqual([true, true, true, true])
  })
})
