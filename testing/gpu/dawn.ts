/**
 * WebGPU in Node for `npm run kernels`: Dawn, in the package `webgpu`, an optional peer: `npm install --no-save
 * webgpu@0.6.2`. On Linux it takes any Vulkan driver; Mesa's software driver (25 or newer) has `shader-f16`.
 */
import { importDawn, provideWebGpu } from '../../src/cli/dawn.ts'

provideWebGpu(await importDawn())
