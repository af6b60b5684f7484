import type { Translated } from '../translated.ts'
import { limits } from './limits.ts'
import { search } from './search.ts'
import { shell } from './shell.ts'
import { studio } from './studio.ts'

export const de: Translated = { limits, search, shell, studio }
