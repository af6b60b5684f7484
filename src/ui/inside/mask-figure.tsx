import { useId, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { isSeen, type Sees } from '../../pack/sees.ts'

/** Few enough to be counted, enough to show the form. */
const QUERIES = 4
const WORDS = 4
const CELL = 14

const MASKS: readonly Sees[] = ['apart', 'together', 'causal']

/** What sees what in each of the three ways in which the Q-Former is run. */
export function Masks(): ReactElement {
  const { t } = useTranslation('inside')
  return (
    <section aria-labelledby="masks-heading">
      <h3 id="masks-heading">{t('masks.heading')}</h3>
      <p>{t('masks.intro')}</p>
      <div className="masks">
        {MASKS.map((sees) => (
          <MaskFigure key={sees} sees={sees} />
        ))}
      </div>
      <p className="hint">{t('masks.head')}</p>
    </section>
  )
}

function MaskFigure({ sees }: { sees: Sees }): ReactElement {
  const { t } = useTranslation('inside')
  const id = useId()
  const rows = Array.from({ length: QUERIES + WORDS }, (_, i) => i)
  const side = rows.length * CELL
  const cells = rows.flatMap((from) =>
    rows.map((to) => ({ from, to, isSeen: isSeen(sees, from, to, QUERIES) })),
  )
  return (
    <figure aria-labelledby={id}>
      <svg viewBox={`-1 -1 ${side + 2} ${side + 2}`} role="img" aria-labelledby={id}>
        {cells.map(({ from, to, isSeen }) => (
          <rect
            key={`${from} ${to}`}
            x={to * CELL}
            y={from * CELL}
            width={CELL - 1}
            height={CELL - 1}
            className={isSeen ? 'is-seen' : undefined}
          />
        ))}
        <path d={`M ${QUERIES * CELL - 0.5} 0 V ${side} M 0 ${QUERIES * CELL - 0.5} H ${side}`} />
      </svg>
      <figcaption id={id}>
        <strong>{t(`masks.${sees}.name`)}</strong> {t(`masks.${sees}.says`)}
      </figcaption>
    </figure>
  )
}
