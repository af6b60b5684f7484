import { useState, type ReactElement } from 'react'
import { drawScene } from '../../scenes/draw.ts'
import { KINDS } from '../../scenes/kinds.ts'
import { captionsOf } from '../../scenes/language.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../scenes/scene.ts'
import { useApp } from '../store-context.ts'

const SHOWN = 5

/**
 * What the built-in model knows: scenes to click, drawn here by the rules that the training pictures were drawn by,
 * from seeds never trained on, and the same in words. Nothing with any other model.
 */
export function Examples(): ReactElement | null {
  const builtIn = useApp((state) => state.settings.model === null)
  const [firstSeed, setFirstSeed] = useState(FIRST_HELD_OUT_SEED)
  const addScene = useAddScene()
  if (!builtIn) return null
  const seeds = Array.from({ length: SHOWN }, (_, i) => firstSeed + i)
  return (
    <section aria-label="Examples" className="examples">
      <ul>
        {seeds.map((seed) => (
          <li key={seed}>
            <Example seed={seed} onClick={() => addScene(seed)} />
          </li>
        ))}
      </ul>
      <div className="actions">
        <button type="button" onClick={() => addScene(newSeed())}>
          Draw me another scene
        </button>
        <button type="button" className="quiet" onClick={() => setFirstSeed(newSeed())}>
          Show other examples
        </button>
      </div>
      <p className="hint">
        The built-in model knows {KINDS.length} kinds of everyday things and shapes in eight colours, one to
        five of them on a simple background: what and where they are, how many, and what is behind, inside or
        left of what. It does not know photographs, text or people.
      </p>
    </section>
  )
}

function Example({ seed, onClick }: { seed: number; onClick: () => void }): ReactElement {
  const scene = makeScene(seed)
  return (
    <button type="button" className="example" onClick={onClick}>
      <img src={urlOf(seed)} alt={`Example scene: ${captionsOf(scene, 1)[0] ?? ''}`} width={96} height={96} />
    </button>
  )
}

/** Adds the scene of a seed as any other picture is added. */
function useAddScene(): (seed: number) => void {
  const addImages = useApp((state) => state.addImages)
  const report = useApp((state) => state.report)
  return (seed) => {
    toPng(urlOf(seed))
      .then((image) => addImages([{ image, name: `Scene ${seed}` }]))
      .catch(report)
  }
}

function urlOf(seed: number): string {
  return `data:image/svg+xml,${encodeURIComponent(drawScene(makeScene(seed)))}`
}

/** SVG is drawn here, not read: the model gets the pixels that the visitor sees. */
async function toPng(url: string): Promise<Blob> {
  const image = new Image()
  image.src = url
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = 224
  canvas.height = 224
  canvas.getContext('2d')?.drawImage(image, 0, 0, 224, 224)
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error('The scene could not be drawn.')) : resolve(blob)),
      'image/png',
    )
  })
}

function newSeed(): number {
  return FIRST_HELD_OUT_SEED + Math.floor(Math.random() * 1e8)
}
