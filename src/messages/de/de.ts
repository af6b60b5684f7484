import type { Translated } from '../translated.ts'
import { shell } from './shell.ts'
import { studio } from './studio.ts'

export const de: Translated = { shell, studio }
