/**
 * WebGPU in Node for `npm run kernels`: Dawn, in the package `webgpu`, an optional peer: `npm install --no-save
 * webgpu@0.6.2`. On Linux it takes any Vulkan driver; Mesa's software driver (25 or newer) has `shader-f16`.
 */
import { importDawn, provideWebGpu } from '../../src/cli/dawn.ts'
import { ZERO_BY_LOOP } from '../browser.ts'

/** A card's own driver is left as it is for everybody. */
const onSoftware = /swiftshader/i.test(process.env['VK_ICD_FILENAMES'] ?? '')
provideWebGpu(await importDawn(), onSoftware ? [`disable-dawn-features=${ZERO_BY_LOOP}`] : [])
