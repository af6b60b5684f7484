/** `models.json` beside the page: the hub and the models that a host of the page wants to offer. */
import { PRECISIONS, type Precision } from '../pack/precisions.ts'

export interface KnownModel {
  name: string
  /** As a person would type it: `owner/name`, `hub:owner/name@revision` or a URL. */
  address: string
  /** One sentence on what it is and takes. */
  note: string
  /** What a checkpoint is best converted to. */
  precision: Precision
}

export interface Catalogue {
  /** The hub or a mirror of it, ending in `/`. */
  hub: string
  models: KnownModel[]
}

export const EMPTY_CATALOGUE: Catalogue = { hub: 'https://huggingface.co/', models: [] }

/** Takes what is right in it and leaves out the rest: a typing error in one entry must not cost the others. */
export function parseCatalogue(json: unknown): Catalogue {
  const { hub, models } = { hub: undefined, models: undefined, ...(json as object | null) } as Record<
    string,
    unknown
  >
  return {
    hub: typeof hub === 'string' && /^https?:/.test(hub) && URL.canParse(hub) ? hub : EMPTY_CATALOGUE.hub,
    models: Array.isArray(models) ? (models as unknown[]).flatMap(knownModel).slice(0, 50) : [],
  }
}

function knownModel(entry: unknown): KnownModel[] {
  const { name, address, note, precision } = { ...(entry as object | null) } as Record<string, unknown>
  if (typeof name !== 'string' || typeof address !== 'string') return []
  return [
    {
      name,
      address,
      note: typeof note === 'string' ? note : '',
      precision: PRECISIONS.find((known) => known === precision) ?? 'q4f16',
    },
  ]
}
