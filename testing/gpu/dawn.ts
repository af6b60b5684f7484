/**
 * WebGPU in Node for `npm run kernels`: Dawn, in the package `webgpu`, which is no dependency since nothing that ships
 * needs it: `npm install --no-save webgpu@0.6.2`. On Linux it takes any Vulkan driver; Mesa's software driver (25 or
 * newer) has `shader-f16`.
 */
import { vi } from 'vitest'

interface Dawn {
  create: (flags: string[]) => GPU
  globals: Record<string, unknown>
}

const name = 'webgpu'
const { create, globals } = (await import(name)) as Dawn
for (const [key, value] of Object.entries(globals)) vi.stubGlobal(key, value)
vi.stubGlobal('navigator', { gpu: create([]) })
