import { useEffect, useState, type ReactElement, type SubmitEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { toFailure, type Failure } from '../../pack/failure.ts'
import { captionsOf } from '../../scenes/language.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../scenes/scene.ts'
import type { Inside } from '../../state/inside-slice.ts'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'
import { drawnScene, newSeed, sceneUrl } from '../talk/scenes.ts'
import { Masks } from './mask-figure.tsx'
import { Queries } from './queries.tsx'
import { Stages } from './stages.tsx'
import './inside.css'

/** What is looked into: a scene of the built-in model's world, and words about it. */
interface Asked {
  seed: number
  text: string
}

const asked = (seed: number): Asked => ({ seed, text: captionsOf(makeScene(seed), 1)[0] ?? '' })

/** A page for those who teach or learn: what each stage sees, the queries, and the three masks, on the built-in model. */
export function InsideView(): ReactElement {
  const { t } = useTranslation('inside')
  const [about, setAbout] = useState(() => asked(FIRST_HELD_OUT_SEED))
  const { inside, failure } = useInside(about)
  return (
    <section className="inside" aria-labelledby="inside-heading">
      <h2 id="inside-heading">{t('heading')}</h2>
      <p>{t('intro')}</p>
      <Ask key={about.seed} about={about} onAsk={setAbout} />
      {failure !== null && <Notice failure={failure} />}
      <p role="status" className="hint">
        {inside === null && failure === null ? t('looking') : ''}
      </p>
      {inside !== null && (
        <>
          <Stages inside={inside} />
          <Queries inside={inside} url={sceneUrl(about.seed)} text={about.text} />
        </>
      )}
      <Masks />
    </section>
  )
}

function Ask({ about, onAsk }: { about: Asked; onAsk: (about: Asked) => void }): ReactElement {
  const { t } = useTranslation('inside')
  const [text, setText] = useState(about.text)
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault()
    if (text.trim() !== '') onAsk({ ...about, text: text.trim() })
  }
  return (
    <form className="ask" onSubmit={onSubmit}>
      <img src={sceneUrl(about.seed)} alt={t('scene', { caption: asked(about.seed).text })} />
      <label>
        {t('words')}
        <input dir="auto" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <div className="actions">
        <button type="submit">{t('look')}</button>
        <button type="button" onClick={() => onAsk(asked(newSeed()))}>
          {t('another')}
        </button>
      </div>
    </form>
  )
}

/** The look at what is asked about last; null while it is taken. */
function useInside({ seed, text }: Asked): { inside: Inside | null; failure: Failure | null } {
  const lookInside = useApp((state) => state.lookInside)
  const [taken, setTaken] = useState<{ of: string; inside: Inside | null; failure: Failure | null } | null>(
    null,
  )
  const of = `${seed} ${text}`
  useEffect(() => {
    const stop = new AbortController()
    const take = async (): Promise<Inside> =>
      lookInside({ id: `scene ${seed}`, image: await drawnScene(seed) }, text, stop.signal)
    take().then(
      (inside) => {
        if (!stop.signal.aborted) setTaken({ of, inside, failure: null })
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setTaken({ of, inside: null, failure: toFailure(error) })
      },
    )
    return () => stop.abort()
  }, [lookInside, seed, text, of])
  return taken?.of === of ? taken : { inside: null, failure: null }
}
