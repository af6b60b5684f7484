/** What `inspect` prints for people, line by line. */
import { FAMILY_NAMES, partsOf, type PackPart } from '../pack/families.ts'
import { languageLicenceOf, licenceLine } from '../pack/licences.ts'
import type { PackManifest } from '../pack/manifest.ts'

export function describePack(manifest: PackManifest): string[] {
  const total = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  const lines = [
    `${manifest.name}: ${FAMILY_NAMES[manifest.family]}, ${manifest.precision}, ${manifest.parameters.toLocaleString('en-US')} parameters, ${megabytes(total)}`,
    ...partsOf(manifest).map(([name, { shape }]) => `  ${name.padEnd(12)} ${describeShape(shape)}`),
    `  licence      ${licenceLine(manifest.licence, languageLicenceOf(manifest))}`,
    ...(manifest.licenceNotice === undefined ? [] : [`  notice       ${manifest.licenceNotice}`]),
    'files',
    ...manifest.files.map(
      (file) =>
        `  ${file.path.padEnd(24)} ${megabytes(file.bytes).padStart(12)}  ${file.chunks.length} chunk${file.chunks.length === 1 ? '' : 's'}`,
    ),
    'checks',
    ...manifest.checks.map((check) => `  ${check.ok ? 'ok  ' : 'NOTE'} ${check.name}: ${check.detail}`),
  ]
  if (manifest.unknownTensors.length > 0) lines.push(`unused tensors: ${manifest.unknownTensors.join(', ')}`)
  return lines
}

function describeShape(shape: PackPart['shape']): string {
  if (!('layers' in shape))
    return [`${shape.hiddenSize} wide`, ...('vocabulary' in shape ? [`${shape.vocabulary} rows`] : [])].join(
      ', ',
    )
  const { layers, hiddenSize, heads } = shape
  const own =
    'imageSize' in shape
      ? `${shape.imageSize} px in patches of ${shape.patchSize}`
      : 'vocabulary' in shape
        ? [
            `${shape.vocabulary} rows`,
            ...('positions' in shape ? [`${shape.positions} positions`] : []),
          ].join(', ')
        : `${shape.queries} queries`
  return `${layers} layers × ${hiddenSize}, ${heads} heads, ${own}`
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
