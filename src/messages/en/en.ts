/** The words of the page, in English: the language that all others are translated from. A namespace for each room. */
import { limits } from './limits.ts'
import { search } from './search.ts'
import { shell } from './shell.ts'
import { studio } from './studio.ts'

export const en = { limits, search, shell, studio } as const
