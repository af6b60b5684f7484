import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useApp } from '../store-context.ts'
import type { Inside } from '../../state/inside-slice.ts'

/** The model that was published, with its vision encoder for 224 pixels (BLIP-2, section 3 and appendix). */
const PUBLISHED = {
  side: 224,
  patch: 14,
  tokens: 257,
  width: 1408,
  queries: 32,
  hidden: 768,
  vector: 256,
  language: 2560,
}

/** What goes from stage to stage, in numbers: of the model that was looked into, and of the published one. */
export function Stages({ inside: { manifest } }: { inside: Inside }): ReactElement {
  const { t } = useTranslation('inside')
  const talking = useApp(({ model }) =>
    model.status === 'ready' && model.loaded.manifest.family !== 'blip2-itm'
      ? model.loaded.manifest.parts['q-former'].shape
      : null,
  )
  const { vision, 'text-q-former': former } = manifest.parts
  const { imageSize, patchSize, tokens, hiddenSize } = vision.shape
  const { queries, hiddenSize: hidden, projectionSize } = former.shape
  const rows: [
    name: 'pixels' | 'patches' | 'features' | 'queries' | 'vectors',
    own: string,
    published: string,
  ][] = [
    ['pixels', `${imageSize} × ${imageSize}`, `${PUBLISHED.side} × ${PUBLISHED.side}`],
    ['patches', patchesText(imageSize, patchSize), patchesText(PUBLISHED.side, PUBLISHED.patch)],
    ['features', `${tokens} × ${hiddenSize}`, `${PUBLISHED.tokens} × ${PUBLISHED.width}`],
    ['queries', `${queries} × ${hidden}`, `${PUBLISHED.queries} × ${PUBLISHED.hidden}`],
    ['vectors', `${queries} × ${projectionSize}`, `${PUBLISHED.queries} × ${PUBLISHED.vector}`],
  ]
  return (
    <section aria-labelledby="stages-heading">
      <h3 id="stages-heading">{t('stages.heading')}</h3>
      <p>{t('stages.intro')}</p>
      {/* Wider than a phone in some languages, and then moved by its own keys. */}
      <div className="wide" role="group" aria-labelledby="stages-heading" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('stages.stage')}</th>
              <th scope="col">{manifest.name}</th>
              <th scope="col">{t('stages.published')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, own, published]) => (
              <tr key={name}>
                <th scope="row">{t(`stages.${name}`)}</th>
                <td>{own}</td>
                <td>{published}</td>
              </tr>
            ))}
            {talking !== null && (
              <tr>
                <th scope="row">{t('stages.language')}</th>
                <td>
                  {talking.queries} × {talking.embeddingSize}
                </td>
                <td>
                  {PUBLISHED.queries} × {PUBLISHED.language}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </section>
  )
}

/** A square grid of squares. */
function patchesText(side: number, patch: number): string {
  const grid = Math.floor(side / patch)
  return `${grid} × ${grid} (${patch} px)`
}
