/** The words of the page, in English: the language that all others are translated from. A namespace for each room. */
import { models } from './models.ts'
import { search } from './search.ts'
import { settings } from './settings.ts'
import { shell } from './shell.ts'
import { studio } from './studio.ts'
import { talk } from './talk.ts'

export const en = { models, search, settings, shell, studio, talk } as const
