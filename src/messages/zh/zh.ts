import type { Translated } from '../translated.ts'
import { search } from './search.ts'
import { shell } from './shell.ts'

export const zh: Translated = { search, shell }
