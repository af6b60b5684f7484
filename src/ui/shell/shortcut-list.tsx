import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { NAMESPACES } from '../../messages/words.ts'
import { Over } from '../parts/over.tsx'
import { SHORTCUTS } from './shortcuts.ts'

/** Macs have another key for it, and people there know it by its sign. */
const COMMAND = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘' : 'Ctrl'

/** Every key that does something, in one list. */
export function ShortcutList(): ReactElement {
  const { t } = useTranslation(NAMESPACES)
  const rows: [keys: string[], label: string][] = [
    [['Enter'], t('shell:shortcuts.send')],
    [['Shift', 'Enter'], t('shell:shortcuts.line')],
    [['Esc'], t('shell:shortcuts.stop')],
    [[COMMAND, 'V'], t('shell:shortcuts.paste')],
    ...SHORTCUTS.map(
      ({ key, command, shift, label }) =>
        [
          [...(command ? [COMMAND] : []), ...(shift === true ? ['Shift'] : []), key.toUpperCase()],
          t(label),
        ] satisfies [string[], string],
    ),
  ]
  return (
    <Over name={t('shell:shortcuts.name')} className="dialog">
      <h2>{t('shell:shortcuts.name')}</h2>
      <dl className="shortcuts">
        {rows.map(([keys, label]) => (
          <div key={label}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </Over>
  )
}
