import { expect, test } from 'vitest'
import { newBudgetId, GatewayId } from '../../proto/ids.ts'
import type { Job } from '../../proto/job.ts'
import type { LedgerRecord } from '../../proto/ledger.ts'
import { formerOf } from './former.ts'

const [letIn, next] = [GatewayId.parse('g0'), GatewayId.parse('g1')]
const funds: Job['funds'] = [{ budget: newBudgetId(), unit: 'money', startMs: 0 }]
const adopted = { type: 'adopted', gateway: next, from: letIn } as const
const taken: LedgerRecord = { ...adopted, spans: [], epoch: 1, holder: null, deaths: [] }

test('nobody claimed it: who let it in pays', () => {
  expect(formerOf({ gateway: letIn, funds }, undefined)).toBe(letIn)
})

test('a gateway that took a job over, and went before it wrote down who pays, has spent nothing on it', () => {
  expect(formerOf({ gateway: letIn, funds }, taken)).toBe(letIn)
})

test('a gateway that wrote down what those before it hold may have spent its own', () => {
  expect(formerOf({ gateway: letIn, funds }, { ...taken, inherited: true })).toBe(next)
})

test('of a job that no budget pays for, the former gateway is the one that had it', () => {
  expect(formerOf({ gateway: letIn }, taken)).toBe(next)
})
