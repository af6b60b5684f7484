import type { ReactElement } from 'react'
import type { Picture } from '../../conversation/conversation.ts'
import { photographsAmong } from '../../state/photographs.ts'
import { goToOtherModels } from '../models/model-panel.tsx'
import { useApp } from '../store-context.ts'

/** Says that the built-in model is out of its depth, and which model is not. Nothing with any other model. */
export function PhotographHint({ pictures }: { pictures: readonly Picture[] }): ReactElement | null {
  const model = useApp((state) => state.settings.model)
  const found = photographsAmong(pictures, { model })
  if (found.length === 0) return null
  return (
    <aside className="photograph-hint" aria-label="About photographs">
      <p>
        {looks(found.length, pictures.length)} like {found.length === 1 ? 'a photograph' : 'photographs'}. The
        built-in model knows drawn scenes only: what it says here is its honest best. The full model, BLIP-2
        OPT 2.7B, knows photographs; it is under “Other models”.
      </p>
      <button type="button" onClick={goToOtherModels}>
        Go to other models
      </button>
    </aside>
  )
}

function looks(found: number, all: number): string {
  if (all === 1) return 'This looks'
  if (found === all) return 'These look'
  return found === 1 ? 'One of these looks' : `${found} of these look`
}
