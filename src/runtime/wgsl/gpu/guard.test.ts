import { afterEach, expect, it, vi } from 'vitest'
import { CompiledKernel } from './kernel.ts'
import { KernelsFailed, within, withoutComplaints } from './guard.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A device that keeps its complaints for error scopes, as WebGPU has it. */
class ComplainingDevice {
  readonly open: { filter: string; error: object | null }[] = []
  compiling: Promise<object> = Promise.resolve({})

  complain(filter: GPUErrorFilter): void {
    const scope = this.open.findLast((one) => one.filter === filter)
    if (scope !== undefined) scope.error ??= { message: filter }
  }

  pushErrorScope(filter: string): void {
    this.open.push({ filter, error: null })
  }

  popErrorScope(): Promise<object | null> {
    return Promise.resolve(this.open.pop()?.error ?? null)
  }

  createBindGroupLayout = (): object => ({})
  createPipelineLayout = (): object => ({})
  createShaderModule = (): object => ({})
  createComputePipelineAsync = (): Promise<object> => this.compiling

  get gpu(): GPUDevice {
    return this as unknown as GPUDevice
  }
}

const howOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof KernelsFailed ? error.how : error),
  )

it.each<[GPUErrorFilter, string]>([
  ['validation', 'invalid'],
  ['internal', 'invalid'],
  ['out-of-memory', 'memory'],
])('hears of what a device tells in a scope for %s only, and undoes what was made', async (filter, how) => {
  const device = new ComplainingDevice()
  const undone: number[] = []
  const work = (): Promise<number> => {
    device.complain(filter)
    return Promise.resolve(7)
  }
  const undo = (made: number): Promise<void> => Promise.resolve(void undone.push(made))
  expect(await howOf(withoutComplaints(device.gpu, work, undo))).toBe(how)
  expect([undone, device.open]).toEqual([[7], []])
})

it('says a complaint rather than what failed behind it, and leaves every scope', async () => {
  const device = new ComplainingDevice()
  const undo = vi.fn<(made: unknown) => Promise<void>>()
  const nonsense = new Error('Nonsense.')
  const work = (): Promise<never> => {
    device.complain('out-of-memory')
    return Promise.reject(nonsense)
  }
  expect(await howOf(withoutComplaints(device.gpu, work, undo))).toBe('memory')
  expect(await howOf(withoutComplaints(device.gpu, () => Promise.reject(nonsense), undo))).toBe(nonsense)
  expect(await withoutComplaints(device.gpu, () => Promise.resolve('made'), undo)).toBe('made')
  expect(undo).not.toHaveBeenCalled()
  expect(device.open).toEqual([])
})

/** A device that never says what it has heard. */
class SilentDevice extends ComplainingDevice {
  override popErrorScope(): Promise<never> {
    void super.popErrorScope()
    return new Promise<never>(() => undefined)
  }
}

it('leaves all scopes at once, so that nobody else opens one between them', async () => {
  const device = new SilentDevice()
  void withoutComplaints(
    device.gpu,
    () => Promise.resolve(),
    () => Promise.resolve(),
  )
  expect(device.open).toHaveLength(3)
  await vi.waitFor(() => expect(device.open).toEqual([]))
})

it('does not ask a device that does not come back what it has to complain of', async () => {
  const device = new SilentDevice()
  const stuck = (): Promise<never> => Promise.reject(new KernelsFailed('stuck'))
  expect(await howOf(withoutComplaints(device.gpu, stuck, () => Promise.resolve()))).toBe('stuck')
  expect(device.open).toEqual([])
})

it('waits no longer than it is told', async () => {
  vi.useFakeTimers()
  const never = new Promise<never>(() => undefined)
  const overdue = howOf(within(500, 'stuck', never))
  await vi.advanceTimersByTimeAsync(500)
  expect(await overdue).toBe('stuck')
  expect(await within(500, 'stuck', Promise.resolve('in time'))).toBe('in time')
  expect(vi.getTimerCount()).toBe(0)
})

it('does not wait for a kernel that compiles without end, and knows one that is refused', async () => {
  vi.useFakeTimers()
  const device = new ComplainingDevice()
  vi.stubGlobal('GPUShaderStage', { COMPUTE: 4 })
  const kernel = { label: 'some kernel', code: '', bindings: [] }
  device.compiling = new Promise<never>(() => undefined)
  const overdue = howOf(CompiledKernel.of(device.gpu, kernel, 700))
  await vi.advanceTimersByTimeAsync(700)
  expect(await overdue).toBe('compiling')
  device.compiling = Promise.reject(new Error('No such function.'))
  expect(await howOf(CompiledKernel.of(device.gpu, kernel))).toBe('invalid')
})
