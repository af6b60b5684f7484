import type { TranslatedNamespace } from '../translated.ts'

export const inside: TranslatedNamespace<'inside'> = {
  name: 'Por dentro',
  link: 'Mirar por dentro: cómo ve una imagen un modelo así',
  heading: 'Dentro del Q-Former',
  intro:
    'BLIP-2 pone una red pequeña, el Q-Former, entre un ojo congelado y un modelo de lenguaje congelado. Aquí se la puede ver trabajar, con el modelo incorporado y sus escenas dibujadas. Nada sale de este dispositivo.',
  scene: 'La escena que se mira: {{caption}}',
  words: 'Palabras sobre la imagen',
  look: 'Mirar',
  another: 'Otra escena',
  looking: 'Mirando…',
  stages: {
    heading: 'Qué ve cada etapa',
    intro:
      'Cada etapa recibe solo lo que le pasa la anterior. De los píxeles de la imagen el modelo de lenguaje no ve nada: todo lo que sabe de ella ha pasado por las consultas.',
    stage: 'Qué se pasa',
    published: 'BLIP-2 publicado',
    pixels: 'Imagen, en píxeles',
    patches: 'Parches',
    features: 'Rasgos de la imagen: token de clase y parches × números',
    queries: 'Salidas de las consultas: consultas × números',
    vectors: 'Vectores para comparar: consultas × números',
    language: 'Lo que lee el modelo de lenguaje: consultas × números',
  },
  queries: {
    heading: 'Adónde mira cada consulta',
    intro_one:
      '{{count, number}} consulta aprendida mira los parches. Claro es donde atiende en una capa, en promedio de las cabezas.',
    intro_other:
      '{{count, number}} consultas aprendidas miran los parches. Claro es donde atiende cada una en una capa, en promedio de las cabezas.',
    layer: 'Capa',
    withText: 'mientras las consultas ven las palabras',
    one: 'Consulta {{number, number}}: semejanza con las palabras {{likeness}}',
    best: 'Es la más parecida, y es la que cuenta.',
    caution:
      'Cada imagen pequeña se ajusta a su propio parche más claro, así que el brillo no se puede comparar entre consultas. Una consulta no tiene un significado fijo, y la atención no es una explicación: sus promedios engañan.',
  },
  outcome: {
    contrast: 'Contraste',
    contrastSays:
      'Cuenta la mejor consulta: la número {{number, number}}, coseno {{likeness}}. Palabras e imagen no se han visto.',
    matching: 'Correspondencia',
    matchingSays: 'Consultas y palabras se leen entre sí: el modelo da un {{share}} a que vayan juntas.',
  },
  masks: {
    heading: 'Tres máscaras, tres tareas',
    intro:
      'Los mismos pesos aprenden tres tareas; solo cambia quién puede ver a quién. Las filas miran a las columnas: primero cuatro consultas, luego cuatro palabras. Relleno significa visto.',
    apart: {
      name: 'Contraste.',
      says: 'Las consultas ven consultas y las palabras ven palabras, de modo que cada parte se calcula sin la otra y se puede buscar entre imágenes.',
    },
    together: {
      name: 'Correspondencia.',
      says: 'Todas ven a todas, para que los detalles de las palabras se cotejen con la imagen.',
    },
    causal: {
      name: 'Escritura.',
      says: 'Las consultas solo se ven entre sí; cada palabra ve todas las consultas y las palabras anteriores, y aprende a decir la siguiente.',
    },
    head: 'Al modelo incorporado que compara no se le enseñó la tercera tarea; los archivos que publica LAVIS traen su cabeza, y entonces escribe descripciones.',
  },
}
