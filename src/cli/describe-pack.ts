/** What `inspect` prints for people. */
import type { PackManifest } from '../pack/manifest.ts'

export function describePack(manifest: PackManifest): string {
  const { shape } = manifest
  const { vision, qFormer, text } = shape
  const total = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  const lines = [
    `${manifest.name}: BLIP-2 with OPT, ${manifest.precision}, ${manifest.parameters.toLocaleString('en-US')} parameters, ${megabytes(total)}`,
    `  vision    ${vision.layers} layers × ${vision.hiddenSize}, ${vision.heads} heads, ${vision.imageSize} px in patches of ${vision.patchSize}`,
    `  q-former  ${qFormer.layers} layers × ${qFormer.hiddenSize}, ${qFormer.heads} heads, ${qFormer.queries} queries`,
    `  decoder   ${text.layers} layers × ${text.hiddenSize}, ${text.heads} heads, ${text.vocabulary} rows, ${text.positions} positions`,
    `  licence   ${manifest.licence ?? 'not stated by the checkpoint'}`,
    ...(manifest.licenceNotice === undefined ? [] : [`  notice    ${manifest.licenceNotice}`]),
    'files',
    ...manifest.files.map(
      (file) =>
        `  ${file.path.padEnd(24)} ${megabytes(file.bytes).padStart(12)}  ${file.chunks.length} chunk${file.chunks.length === 1 ? '' : 's'}`,
    ),
    'checks',
    ...manifest.checks.map((check) => `  ${check.ok ? 'ok  ' : 'NOTE'} ${check.name}: ${check.detail}`),
  ]
  if (manifest.unknownTensors.length > 0) lines.push(`unused tensors: ${manifest.unknownTensors.join(', ')}`)
  return lines.join('\n')
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
