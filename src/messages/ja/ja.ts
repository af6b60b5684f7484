import type { Translated } from '../translated.ts'
import { shell } from './shell.ts'

export const ja: Translated = { shell }
