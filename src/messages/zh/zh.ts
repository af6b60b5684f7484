import type { Translated } from '../translated.ts'
import { shell } from './shell.ts'
import { studio } from './studio.ts'

export const zh: Translated = { shell, studio }
