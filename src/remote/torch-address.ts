/**
 * The address of a file of LAVIS, and behind it, with spaces between, the addresses of what such files leave out: of a
 * vision tower (another `.pth`), and of the folder of a language model or a vocabulary.
 */
import { AppError } from '../pack/failure.ts'
import { addressText, parseAddress, type Address } from './address.ts'

export interface TorchAddress {
  file: URL
  vision: URL | null
  language: Address | null
}

/** Undefined where the text does not begin with the address of a `.pth`. Throws `bad-usage` for what is behind it and none of these. */
export function parseTorchAddress(text: string, { hub }: { hub: URL }): TorchAddress | undefined {
  const [first = '', ...others] = text.trim().split(/\s+/)
  const file = torchUrl(first)
  if (file === undefined) return undefined
  let vision: URL | null = null
  let language: Address | null = null
  for (const other of others) {
    const tower = torchUrl(other)
    if (vision !== null && tower !== undefined)
      throw tooMany('.pth files', 'one, which holds its vision encoder')
    if (language !== null && tower === undefined) throw tooMany('folders', 'that of its language model')
    if (tower === undefined) language = parseAddress(other, { hub, bareNames: true })
    else vision = tower
  }
  return { file, vision, language }
}

/** In the form that `parseTorchAddress` takes. */
export function torchAddressText({ file, vision, language }: TorchAddress): string {
  return [file.href, vision?.href, language && addressText(language)].filter(Boolean).join(' ')
}

function torchUrl(text: string): URL | undefined {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!/\.pth$/i.test(url.pathname)) return undefined
  if (url.username !== '' || url.password !== '')
    throw new AppError('bad-usage', 'A password does not belong into an address; leave it out.')
  url.search = ''
  url.hash = ''
  return url
}

function tooMany(what: string, one: string): AppError {
  return new AppError(
    'bad-usage',
    `There are several ${what} behind the address of the checkpoint; give ${one}.`,
  )
}
