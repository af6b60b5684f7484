/** Scenes of the built-in model's world, drawn here by the rules that its training pictures were drawn by. */
import { useTranslation } from 'react-i18next'
import { drawScene } from '../../scenes/draw.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../scenes/scene.ts'
import { useApp } from '../store-context.ts'

/** Adds the scene of a seed as any other picture is added. */
export function useAddScene(): (seed: number) => void {
  const { t } = useTranslation('talk')
  const addImages = useApp((state) => state.addImages)
  const report = useApp((state) => state.report)
  return (seed) => {
    drawnScene(seed)
      .then((image) => addImages([{ image, name: t('examples.drawn') }]))
      .catch(report)
  }
}

/** Adds a scene that nobody has seen. */
export function useDrawScene(): () => void {
  const add = useAddScene()
  return () => add(newSeed())
}

export function sceneUrl(seed: number): string {
  return `data:image/svg+xml,${encodeURIComponent(drawScene(makeScene(seed)))}`
}

/** The picture of a scene, as the model gets it. */
export function drawnScene(seed: number): Promise<Blob> {
  return toPng(sceneUrl(seed))
}

/** Never one that the built-in model was trained on. */
export function newSeed(): number {
  return FIRST_HELD_OUT_SEED + Math.floor(Math.random() * 1e8)
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
