"""What synthesisers are made to say: first lines and sayings whose authors died long ago, in the public domain."""

# ruff: noqa: RUF001 (letters of other alphabets that look like ours)

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENGLISH: Final = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness.",
    "Call me Ishmael.",
    "It is a truth universally acknowledged, that a single man in possession of a good fortune must want a wife.",
    "There was no possibility of taking a walk that day.",
    "You don't know about me without you have read a book by the name of The Adventures of Tom Sawyer.",
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do.",
    "No one would have believed that this world was being watched keenly and closely.",
    "To Sherlock Holmes she is always the woman.",
    "I am by birth a Genevese, and my family is one of the most distinguished of that republic.",
    "Mr. Utterson the lawyer was a man of a rugged countenance, that was never lighted by a smile.",
    "The studio was filled with the rich odour of roses.",
    "Marley was dead: to begin with. There is no doubt whatever about that.",
    "My father's family name being Pirrip, my infant tongue could make of both names nothing longer than Pip.",
    "The mole had been working very hard all the morning, spring-cleaning his little home.",
    "All children, except one, grow up.",
    "Four score and seven years ago our fathers brought forth on this continent a new nation.",
    "We the people of the United States, in order to form a more perfect union.",
    "Shall I compare thee to a summer's day? Thou art more lovely and more temperate.",
    "The quality of mercy is not strained.",
    "Once upon a midnight dreary, while I pondered, weak and weary.",
    "Whose woods these are I think I know. His house is in the village though.",
    "A horse! a horse! my kingdom for a horse!",
    "In the beginning God created the heaven and the earth.",
    "The sun did not shine on our side of the house until nearly eleven o'clock.",
    "Please meet me at the bridge at half past seven, and bring the letter with you.",
    "I have not seen her since the second of May, and I do not expect to see her again.",
)

OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "de": (
        "Habe nun, ach, Philosophie, Juristerei und Medizin durchaus studiert, mit heißem Bemühn.",
        "Jemand musste Josef K. verleumdet haben, denn ohne dass er etwas Böses getan hätte, wurde er verhaftet.",
        "Ich weiß nicht, was soll es bedeuten, dass ich so traurig bin.",
        "Wer reitet so spät durch Nacht und Wind? Es ist der Vater mit seinem Kind.",
        "Es war einmal ein kleines Mädchen, dem war Vater und Mutter gestorben.",
        "Der Apfel fällt nicht weit vom Stamm.",
    ),
    "fr-fr": (
        "Longtemps, je me suis couché de bonne heure.",
        "Nous étions à l'étude, quand le proviseur entra, suivi d'un nouveau habillé en bourgeois.",
        "Maître corbeau, sur un arbre perché, tenait en son bec un fromage.",
        "Les sanglots longs des violons de l'automne blessent mon cœur.",
        "L'homme est né libre, et partout il est dans les fers.",
        "Je pense, donc je suis.",
    ),
    "es": (
        "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo.",
        "La heroica ciudad dormía la siesta.",
        "Caminante, son tus huellas el camino y nada más.",
        "Juventud, divino tesoro, ¡ya te vas para no volver!",
        "Más vale pájaro en mano que ciento volando.",
    ),
    "it": (
        "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura.",
        "Quel ramo del lago di Como, che volge a mezzogiorno, tra due catene non interrotte di monti.",
        "Sempre caro mi fu quest'ermo colle.",
        "Chi va piano va sano e va lontano.",
    ),
    "pt-br": (
        "Minha terra tem palmeiras, onde canta o sabiá.",
        "As armas e os barões assinalados que da ocidental praia lusitana passaram ainda além.",
        "Não tive filhos, não transmiti a nenhuma criatura o legado da nossa miséria.",
    ),
    "nl": (
        "Ik ben makelaar in koffie, en woon op de Lauriergracht.",
        "De beste stuurlui staan aan wal.",
    ),
    "pl": (
        "Litwo, ojczyzno moja, ty jesteś jak zdrowie.",
        "Gdzie kucharek sześć, tam nie ma co jeść.",
    ),
    "sv": (
        "Det var en gång en pojke, han var så där en fjorton år gammal, lång och ranglig.",
        "Borta bra men hemma bäst.",
    ),
    "ru": (
        "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.",
        "Мой дядя самых честных правил, когда не в шутку занемог.",
    ),
    "tr": ("Damlaya damlaya göl olur.", "Sakla samanı, gelir zamanı."),
    "fi": ("Mieleni minun tekevi, aivoni ajattelevi lähteäni laulamahan.",),
}
"""By language, as espeak-ng calls it."""
