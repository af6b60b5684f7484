/** The words of the page, in English: the language that all others are translated from. A namespace for each room. */
import { models } from './models.ts'
import { settings } from './settings.ts'
import { shell } from './shell.ts'
import { talk } from './talk.ts'

export const en = { shell, talk, models, settings } as const
