import type { Translated } from '../translated.ts'
import { shell } from './shell.ts'

export const es: Translated = { shell }
