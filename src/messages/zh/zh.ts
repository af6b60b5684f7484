import type { Translated } from '../translated.ts'
import { failures } from './failures.ts'
import { inside } from './inside.ts'
import { limits } from './limits.ts'
import { models } from './models.ts'
import { search } from './search.ts'
import { settings } from './settings.ts'
import { shell } from './shell.ts'
import { studio } from './studio.ts'
import { talk } from './talk.ts'

export const zh: Translated = { failures, inside, limits, models, search, settings, shell, studio, talk }
