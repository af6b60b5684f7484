/** All that is cut short, each as often as it is listed. */
import { conversations } from './conversations.ts'
import { folders } from './folders.ts'
import { conversions, downloads } from './models.ts'
import { saving } from './saving.ts'
import { searching } from './searching.ts'
import type { Scenario } from './scenario.ts'

export const SCENARIOS: readonly Scenario[] = [
  conversations,
  downloads,
  conversations,
  conversions,
  conversations,
  folders,
  saving,
  searching,
]
