import { useState, type ReactElement } from 'react'
import { drawScene } from '../scenes/draw.ts'
import { captionsOf } from '../scenes/language.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../scenes/scene.ts'
import { useApp } from './store-context.ts'

const SHOWN = 5

/** Scenes to click, drawn here by the rules that the training pictures were drawn by, from seeds never trained on. */
export function Examples(): ReactElement {
  const [firstSeed, setFirstSeed] = useState(FIRST_HELD_OUT_SEED)
  const seeds = Array.from({ length: SHOWN }, (_, i) => firstSeed + i)
  return (
    <section aria-label="Examples" className="examples">
      <ul>
        {seeds.map((seed) => (
          <li key={seed}>
            <Example seed={seed} />
          </li>
        ))}
      </ul>
      <button type="button" className="quiet" onClick={() => setFirstSeed(newSeed())}>
        Draw other scenes
      </button>
    </section>
  )
}

function Example({ seed }: { seed: number }): ReactElement {
  const addImages = useApp((state) => state.addImages)
  const scene = makeScene(seed)
  const url = `data:image/svg+xml,${encodeURIComponent(drawScene(scene))}`
  const use = async (): Promise<void> => addImages([{ image: await toPng(url), name: `Scene ${seed}` }])
  return (
    <button type="button" className="example" onClick={() => void use()}>
      <img src={url} alt={`Example scene: ${captionsOf(scene, 1)[0] ?? ''}`} width={96} height={96} />
    </button>
  )
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
