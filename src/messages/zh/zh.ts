import type { Translated } from '../translated.ts'
import { search } from './search.ts'
import { shell } from './shell.ts'
import { studio } from './studio.ts'

export const zh: Translated = { search, shell, studio }
