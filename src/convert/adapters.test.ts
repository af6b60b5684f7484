import { expect, it } from 'vitest'
import { wrapperPrefix } from './adapters.ts'

it.each([
  [['module.a', 'module.b'], 'module.'],
  [['module._orig_mod.a', 'module._orig_mod.b'], 'module._orig_mod.'],
  [['module.a', 'b'], ''],
  [['b', 'module.a'], ''],
  [['module.a', '_orig_mod.b'], ''],
  [['a.module.b', 'a.module.c'], ''],
  [[], ''],
])('of %j the prefix of a wrapper is %j', (names, prefix) => {
  expect(wrapperPrefix(names)).toBe(prefix)
})
