/** What adding a model would mean: said before the first byte of its weights is kept. */
import { convertingSpeed } from '../convert/converting-speed.ts'
import { inspectCheckpoint } from '../convert/inspect.ts'
import { captionWork } from '../pack/caption-work.ts'
import { languageLicenceOf } from '../pack/licences.ts'
import { MANIFEST_PATH, parseManifest } from '../pack/manifest.ts'
import type { AddRequest, Offer, OfferRequest } from '../protocol/keeper-calls.ts'
import { waitedFor } from '../remote/network.ts'
import { distinctChunks } from '../store/records.ts'
import { checkFileSizes } from './check-pack.ts'
import { deviceFindings, spaceFindings, type Candidate } from './device-findings.ts'
import { findModel, type FoundCheckpoint, type FoundPack } from './find.ts'
import { requireStorage, shown, sumOfBytes, type KeeperParts } from './keeper-parts.ts'
import { placeOf } from './place.ts'

/** Less is there before anybody has read how long it takes. */
const WORTH_MEASURING_BYTES = 64 * 2 ** 20

/** Throws what finding throws, `no-space` where nothing can be kept, and what is wrong with the model as far as it shows by now. */
export async function makeOffer(
  parts: KeeperParts,
  request: OfferRequest,
  signal: AbortSignal,
): Promise<Offer> {
  await requireStorage(parts)
  const found = await findModel(request, { network: waitedFor(parts.network), signal })
  const { largestFile, candidate, ...terms } =
    found.what === 'pack'
      ? await termsOfPack(parts, found)
      : await termsOfCheckpoint(parts, found, request, signal)
  const { freeBytes } = await parts.space()
  // A pack's chunks may be here already; a conversion writes all of them.
  const missingBytes = found.what === 'pack' ? terms.fetchBytes : terms.most.keepBytes
  const measure = terms.fetchBytes >= WORTH_MEASURING_BYTES
  return {
    id: found.id,
    what: found.what,
    pinned: found.origin.address,
    place: placeOf(found.origin),
    languageLicence: languageLicenceOf(candidate.pack),
    ...shown(terms),
    bytesPerSecond: measure ? await found.measure(largestFile, signal) : null,
    convertBytesPerSecond:
      found.what === 'pack'
        ? null
        : convertingSpeed(terms.precision, terms.most.fetchBytes / terms.parameters),
    work: candidate.pack.family === 'blip2-itm' ? null : captionWork(candidate.pack),
    findings: [
      ...deviceFindings(await parts.device(request.prefer), candidate, request.memory),
      ...spaceFindings(freeBytes, missingBytes),
    ],
  }
}

type Terms = Pick<
  Offer,
  | 'name'
  | 'precision'
  | 'parameters'
  | 'licence'
  | 'licenceNotice'
  | 'fetchBytes'
  | 'keepBytes'
  | 'most'
  | 'resumes'
> & { candidate: Candidate; largestFile: string }

async function termsOfPack({ store }: KeeperParts, { manifestText }: FoundPack): Promise<Terms> {
  const manifest = parseManifest(manifestText)
  checkFileSizes(manifest)
  const { name, precision, parameters, licence, licenceNotice = null } = manifest
  const missing = await store.missing(manifest)
  const fetchBytes = sumOfBytes(missing)
  const keepBytes = sumOfBytes(distinctChunks(manifest))
  const none = { path: MANIFEST_PATH, bytes: 0 }
  return {
    name,
    precision,
    parameters,
    licence,
    licenceNotice,
    fetchBytes,
    keepBytes,
    most: { fetchBytes, keepBytes },
    resumes: fetchBytes < keepBytes,
    candidate: { pack: manifest, largestTensorBytes: null },
    largestFile: missing.reduce((a, b) => (b.bytes > a.bytes ? b : a), none).path,
  }
}

async function termsOfCheckpoint(
  { store }: KeeperParts,
  { id, name, tree }: FoundCheckpoint,
  { precision, imageSize }: AddRequest,
  signal: AbortSignal,
): Promise<Terms> {
  const report = await inspectCheckpoint(tree, precision, { choices: { imageSize }, signal })
  const { parameters, licence, licenceNotice = null, likely, most, largestFile } = report
  const { pack, largestTensorBytes } = report
  return {
    name,
    precision,
    parameters,
    licence,
    licenceNotice,
    ...likely,
    most,
    resumes: (await store.get(id)) !== undefined,
    candidate: { pack, largestTensorBytes },
    largestFile,
  }
}
