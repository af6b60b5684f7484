import type { Translated } from '../translated.ts'
import { models } from './models.ts'
import { settings } from './settings.ts'
import { shell } from './shell.ts'
import { talk } from './talk.ts'

export const fr: Translated = { shell, talk, models, settings }
