import { typedKey, type TypedBox } from '../../state/studio/typed.ts'
import { useApp } from '../store-context.ts'

/** What stands in a box of a picture: what is typed there, and until something is what is `kept`. */
export function useTyped(
  box: TypedBox,
  path: string,
  kept: string,
): { text: string; type: (text: string) => void; leave: () => void } {
  const key = useApp(({ studio }) => typedKey(studio.project?.id ?? '', box, path))
  const typed = useApp(({ drafts }) => drafts[key])
  const keepTyped = useApp((state) => state.studioActions.keepTyped)
  return {
    text: typed ?? kept,
    type: (text) => keepTyped(box, path, text === kept ? null : text),
    leave: () => keepTyped(box, path, null),
  }
}
