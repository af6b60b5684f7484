import { expect, it } from 'vitest'
import { AppError } from '../../../pack/failure.ts'
import type { Compute } from '../../device/compute.ts'
import { unlessLost } from '../../device/loss.ts'
import { tellingOfLoss } from './loss.ts'

const never = (): Promise<never> => new Promise(() => undefined)
const done = (): Promise<void> => Promise.resolve()
const failed = (): Promise<never> => Promise.reject(new AppError('out-of-memory', 'No room.'))

/** Who is told of a device that goes away while all of these run there, begun one behind the other. */
async function toldOf(...all: (() => Promise<unknown>)[]): Promise<number[]> {
  let lose = (): void => undefined
  const lost = new Promise((resolve) => (lose = () => resolve({ reason: 'unknown', message: '' })))
  const device = { lost } as unknown as GPUDevice
  const told: number[] = []
  const attempt = <T>(work: () => Promise<T>): Promise<T> => unlessLost({ device } as Compute, work())
  const running = all.map((work, i) =>
    tellingOfLoss({ runtime: { attempt }, device, onLost: () => void told.push(i) }, work),
  )
  const settled = Promise.allSettled(running)
  await new Promise((resolve) => setTimeout(resolve))
  lose()
  await settled
  return told
}

it.each([
  { first: 'runs', works: [never, never, never], told: [0] },
  { first: 'was done', works: [done, never, never], told: [1] },
  { first: 'had failed', works: [failed, never, never], told: [1] },
  { first: 'and the second were done', works: [done, done, never], told: [2] },
])(
  'Of kernels under which a device goes away the first is told that still ran: the first $first',
  async (of) => {
    expect(await toldOf(...of.works)).toEqual(of.told)
  },
)
