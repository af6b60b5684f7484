import { useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { KINDS } from '../../scenes/kinds.ts'
import { captionsOf } from '../../scenes/language.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../scenes/scene.ts'
import { newSeed, sceneUrl, useAddScene, useDrawScene } from './scenes.ts'

const SHOWN = 5

/** What the built-in model knows: scenes to click, from seeds never trained on, and the same in words. */
export function Examples(): ReactElement {
  const { t } = useTranslation('talk')
  const [firstSeed, setFirstSeed] = useState(FIRST_HELD_OUT_SEED)
  const addScene = useAddScene()
  const drawScene = useDrawScene()
  const seeds = Array.from({ length: SHOWN }, (_, i) => firstSeed + i)
  return (
    <section aria-label={t('examples.name')} className="examples">
      <ul>
        {seeds.map((seed) => (
          <li key={seed}>
            <Example seed={seed} onClick={() => addScene(seed)} />
          </li>
        ))}
      </ul>
      <p className="hint">{t('examples.knows', { count: KINDS.length })}</p>
      <div className="actions">
        <button type="button" className="link" onClick={drawScene}>
          {t('examples.another')}
        </button>
        <button type="button" className="link" onClick={() => setFirstSeed(newSeed())}>
          {t('examples.others')}
        </button>
      </div>
    </section>
  )
}

function Example({ seed, onClick }: { seed: number; onClick: () => void }): ReactElement {
  const { t } = useTranslation('talk')
  const caption = captionsOf(makeScene(seed), 1)[0] ?? ''
  return (
    <button type="button" className="example" onClick={onClick}>
      <img
        src={sceneUrl(seed)}
        alt={t('examples.scene', { caption })}
        width={96}
        height={96}
        draggable={false}
      />
    </button>
  )
}
